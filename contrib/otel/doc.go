package authotel

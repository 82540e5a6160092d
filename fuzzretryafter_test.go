package authtrip

import (
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"
)

// FuzzRetryAfter reads a header that says anything, and a date written in each
// of the three forms of RFC 9110 §5.6.7.
func FuzzRetryAfter(f *testing.F) {
	for _, value := range []string{
		"0", "1", "120", "3600", "3601", "007", "18446744073709551615", "18446744073709551616", "18446744073709551616A", strings.Repeat("9", 400),
		"-1", "+1", "1.5", "1e3", "0x10", "1_000", " 5", "5 ", "5, 6", "٣", "", "soon", "\x00",
		"Sat, 01 Jan 2000 00:05:00 GMT", "Saturday, 01-Jan-00 00:05:00 GMT", "Sat Jan  1 00:05:00 2000",
		"Sat, 01 Jan 2000 00:05:00 KST", "Sat, 32 Jan 2000 00:05:00 GMT", "Sat, 01 Jan 2000 00:05:00", "2000-01-01T00:05:00Z",
		"Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0000 00:00:00 GMT",
	} {
		f.Add(value, uint32(946684800), int64(300)) // the first second of 2000
		f.Add(value, uint32(0), int64(-1))
		f.Add(value, ^uint32(0), int64(maxRetryAfter/time.Second)+1)
	}
	f.Fuzz(func(t *testing.T, value string, unix uint32, ahead int64) {
		now := time.Unix(int64(unix), 0)
		want := time.Duration(0)
		if n, ok := new(big.Int).SetString(value, 10); ok && strings.Trim(value, "0123456789") == "" {
			want = maxRetryAfter
			if n.Cmp(big.NewInt(3600)) < 0 {
				want = time.Duration(n.Int64()) * time.Second
			}
		} else if at, ok := dateByTheBook(value); ok {
			want = upToAnHour(at.Unix() - int64(unix))
		}
		if got := parseRetryAfter(value, now); got != want {
			t.Fatalf("%.100q at %v is %v, want %v", value, now.UTC(), got, want)
		}

		at := now.Add(time.Duration(ahead%(1<<33)) * time.Second).UTC()
		for _, layout := range []string{http.TimeFormat, time.RFC850, time.ANSIC} {
			if at.Year() < 0 || at.Year() > 9999 || layout == time.RFC850 && (at.Year() < 1969 || at.Year() > 2068) {
				continue // a year that it cannot say
			}
			written := at.Format(layout)
			if got, want := parseRetryAfter(written, now), upToAnHour(at.Unix()-int64(unix)); got != want {
				t.Fatalf("%q at %v is %v, want %v", written, now.UTC(), got, want)
			}
		}
	})
}

func dateByTheBook(text string) (time.Time, bool) {
	for _, layout := range []string{http.TimeFormat, time.RFC850, time.ANSIC} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

func upToAnHour(seconds int64) time.Duration {
	return time.Duration(max(0, min(seconds, 3600))) * time.Second
}

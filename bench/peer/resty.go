package peer

import (
	"net/http"

	"github.com/authtrip/authtrip/middleware"
	"github.com/go-resty/resty/v2"
)

// Resty lists the peers under a Resty v2 client: requests go through its API, so
// its own cost is in all of them, and the first is the floor of the others.
var Resty = []Peer{
	restyPeer(Peer{Name: "resty", Static: true}, func(client *resty.Client, _ Config) error {
		client.SetAuthToken(StaticToken)
		return nil
	}),
	restyPeer(Peer{Name: "authtrip-resty", Ours: true}, func(client *resty.Client, c Config) error {
		src, err := newSource(c)
		if err != nil {
			return err
		}
		return middleware.Install(client, src)
	}),
	// The hook attaches only: a 401 is the caller's.
	restyPeer(Peer{Name: "authtrip-resty-hook", Ours: true}, func(client *resty.Client, c Config) error {
		src, err := newSource(c)
		if err != nil {
			return err
		}
		client.OnBeforeRequest(middleware.BeforeRequest(src))
		return nil
	}),
	restyPeer(Peer{Name: "x-oauth2-resty", OwnParser: true}, func(client *resty.Client, c Config) error {
		rt, err := xOAuth2.New(c)
		if err != nil {
			return err
		}
		client.SetTransport(rt)
		return nil
	}),
}

// restyPeer fills in how p, which configure makes of a new Resty client over the
// base, is driven.
func restyPeer(p Peer, configure func(*resty.Client, Config) error) Peer {
	build := func(c Config) (restyDoer, error) {
		client := resty.New().SetTransport(c.Base)
		return restyDoer{client}, configure(client, c)
	}
	p.New = func(c Config) (http.RoundTripper, error) { return build(c) }
	p.Client = func(c Config) (Doer, error) { return build(c) }
	return p
}

type restyDoer struct{ client *resty.Client }

// Do makes of req what a user of Resty would write.
func (d restyDoer) Do(req *http.Request) (*http.Response, error) {
	r := d.client.R().SetContext(req.Context())
	for k, v := range req.Header {
		r.SetHeader(k, v[0])
	}
	switch {
	case req.GetBody != nil: // a user would pass the bytes themselves
		b, err := bytesOf(req)
		if err != nil {
			return nil, err
		}
		r.SetBody(b)
	case req.Body != nil:
		r.SetBody(req.Body)
	}
	res, err := r.Execute(req.Method, req.URL.String())
	if err != nil {
		return nil, err
	}
	return res.RawResponse, nil
}

// RoundTrip lets programs that drive RoundTrippers drive Resty too.
func (d restyDoer) RoundTrip(req *http.Request) (*http.Response, error) { return d.Do(req) }

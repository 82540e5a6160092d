package authtrip_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/authtrip/authtrip"
)

// judged sends one request to an API that answers with res, and fine once it
// is sent another token. It reports whether the first was rejected, why it was
// undecided if it was, and how the caller's body reads.
func judged(t *testing.T, r authtrip.Registration, res *http.Response) (rejected bool, undecided error) {
	t.Helper()
	src := newSource(t, r,
		authtrip.WithTokenTransport(&replies{bodies: []string{`{"access_token":"a"}`, `{"access_token":"b"}`}}),
		authtrip.Hooks{Undecided: func(_ context.Context, _ string, why error) { undecided = why }})
	sent := 0
	rt := &authtrip.Transport{Source: src, Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
		sent++
		if r.Header.Get("Authorization") == "Bearer b" {
			return newStub().RoundTrip(r)
		}
		res.Request = r
		return res, nil
	})}
	got, err := rt.RoundTrip(mustRequest(t, http.MethodGet, "https://api.example/", nil))
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, got.Body)
	_ = got.Body.Close()
	return sent == 2, undecided
}

func withEnvelope(host string, e authtrip.Envelope) authtrip.Registration {
	r := registration()
	r.Envelopes = map[string]authtrip.Envelope{host: e}
	return r
}

func jsonResponse(body string) *http.Response {
	return &http.Response{
		StatusCode: 200, ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body)),
		Header: http.Header{"Content-Type": {"application/json"}},
	}
}

// TestWhatAnEnvelopeSays is one row per body: with the token rejected, accepted,
// or neither known ("undecided", which is accepted with a hook's knowledge).
func TestWhatAnEnvelopeSays(t *testing.T) {
	const rejected, accepted, undecided = "rejected", "accepted", "undecided"
	header := func(members string) string { return `{"header":{` + members + `}}` }
	space := func(n int) string { return strings.Repeat(" ", n) }
	for _, c := range []struct{ want, body string }{
		// Codes, as they come.
		{rejected, refused},
		{rejected, header(`"isSuccessful":false,"resultCode":"80007"`)},
		{rejected, header(`"isSuccessful":false,"resultCode":" 80007\n"`)},
		{rejected, header(`"isSuccessful":false,"resultCode":"\u0038\u0030007"`)},
		{rejected, header(`"isSuccessful":false,"resultCode":8.0007e4`)},
		{rejected, header(`"isSuccessful":false,"resultCode":80007.0`)},
		{rejected, header(`"isSuccessful":false,"resultCode":401`)},
		{rejected, header(`"isSuccessful":false,"resultCode":401100003`)},
		{rejected, header(`"isSuccessful":false,"resultCode":"401.7"`)},
		{rejected, header(`"isSuccessful":false,"resultCode":4.01100003E8`)},
		{rejected, header(`"isSuccessful":false,"resultCode":-6`)},
		{rejected, header(`"isSuccessful":false,"resultCode":40110000000000000000000000000000000000000000000007`)},
		{accepted, header(`"isSuccessful":false,"resultCode":6`)},
		{accepted, header(`"isSuccessful":false,"resultCode":-8`)},
		{accepted, header(`"isSuccessful":false,"resultCode":80008`)},
		{accepted, header(`"isSuccessful":false,"resultCode":800070`)},
		{accepted, header(`"isSuccessful":false,"resultCode":8000.7`)},
		{accepted, header(`"isSuccessful":false,"resultCode":80007.5`)},
		{accepted, header(`"isSuccessful":false,"resultCode":403100000`)},
		{accepted, header(`"isSuccessful":false,"resultCode":1e999999999`)},
		{accepted, header(`"isSuccessful":false,"resultCode":140100`)},
		{accepted, header(`"isSuccessful":false,"resultCode":"E80007"`)},
		{accepted, header(`"isSuccessful":false,"resultCode":""`)},
		{accepted, header(`"isSuccessful":false,"resultCode":null`)},
		{accepted, header(`"isSuccessful":false,"resultCode":true`)},
		{accepted, header(`"isSuccessful":false,"resultCode":[80007]`)},
		{accepted, header(`"isSuccessful":false,"resultCode":{"resultCode":80007}`)},
		{accepted, header(`"isSuccessful":false`)},
		{accepted, header(`"isSuccessful":false,"resultcode":80007`)}, // names have one spelling
		// Success is what isSuccessful says, whatever the code.
		{accepted, fine},
		{accepted, header(`"isSuccessful":true,"resultCode":200`)},
		{accepted, header(`"isSuccessful":true,"resultCode":"SUCCESS"`)},
		{accepted, header(`"isSuccessful":true,"resultCode":80007`)},
		{accepted, header(`"resultCode":80007,"isSuccessful":true`)},
		{accepted, header(`"resultCode":80007`)},
		{accepted, header(`"isSuccessful":"false","resultCode":80007`)},
		{accepted, header(`"isSuccessful":null,"resultCode":80007`)},
		{accepted, header(`"isSuccessful":0,"resultCode":80007`)},
		{accepted, header(`"isSuccessful":{"isSuccessful":false},"resultCode":80007`)},
		// Order and white space.
		{rejected, header(`"resultCode":80007,"isSuccessful":false`)},
		{rejected, header(`"resultMessage":"x","resultCode":80007,"a":[1,{"b":"]"}],"isSuccessful":false`)},
		{rejected, `{"body":{"list":[{"header":{"isSuccessful":true}}]},` + refused[1:]},
		{rejected, "\r\n\t {\n \"header\"\t:\r{ \"isSuccessful\" : false ,\n\n\"resultCode\" : 80007 }}\n"},
		{rejected, "\ufeff" + refused},
		{rejected, "\ufeff " + refused},
		// Nesting: only the path counts.
		{accepted, `{"body":` + refused + `,"header":{"isSuccessful":true}}`},
		{accepted, `{"body":` + refused + `}`},
		{accepted, `{"header":` + refused + `}`},
		{accepted, `{"header":[{"isSuccessful":false,"resultCode":80007}]}`},
		{accepted, `{"header":[[],{"header":{"isSuccessful":false,"resultCode":80007}}]}`},
		{accepted, `[` + refused + `]`},
		{accepted, `{"isSuccessful":false,"resultCode":80007}`},
		{accepted, `{"header.isSuccessful":false,"header.resultCode":80007}`},
		{accepted, `{"header":{},"isSuccessful":false,"resultCode":80007}`},
		{accepted, `{"header":{"isSuccessful":false},"resultCode":80007}`},
		{accepted, `{"header":"isSuccessful"}`},
		{accepted, `{"header":null}`},
		{accepted, `{}`},
		{accepted, `[]`},
		{accepted, `"header"`},
		{accepted, `80007`},
		{accepted, `null`},
		// What is said twice: the first header counts, and in it what accepts.
		{accepted, `{"header":{"isSuccessful":true},` + refused[1:]},
		{rejected, refused[:len(refused)-1] + `,"header":{"isSuccessful":true}}`},
		{accepted, header(`"isSuccessful":false,"isSuccessful":true,"resultCode":80007`)},
		{accepted, header(`"isSuccessful":true,"isSuccessful":false,"resultCode":80007`)},
		{accepted, header(`"isSuccessful":false,"resultCode":0,"resultCode":80007`)},
		// After the envelope comes what may.
		{rejected, refused[:len(refused)-1] + `,"body":` + strings.Repeat("[", 3000)},
		{accepted, fine[:len(fine)-1] + `,"body":oops`},
		{rejected, `{"header":{"isSuccessful":false,"resultCode":80007,`},
		// The first 4 KiB count, and no more.
		{rejected, space(4096-len(header(`"isSuccessful":false,"resultCode":80007`))) + header(`"isSuccessful":false,"resultCode":80007`) + space(9)},
		{undecided, space(4096) + refused},
		{undecided, `{"list":"` + strings.Repeat("x", 5000) + `",` + refused[1:]},
		{accepted, `{"header":{"isSuccessful":false},"list":"` + strings.Repeat("x", 5000) + `"}`},
		{undecided, `{"` + strings.Repeat("k", 4096) + `":1,` + refused[1:]},
		{undecided, strings.Repeat(`{"header":`, 409) + refused + strings.Repeat("}", 409)},
		{undecided, `{"list":` + strings.Repeat("[", 100_000)},
		{rejected, `{"list":` + strings.Repeat(`[{"a":`, 150) + "1" + strings.Repeat("}]", 150) + "," + refused[1:]},
		{undecided, `{"list":` + strings.Repeat(`[{"a":`, 150) + "1" + strings.Repeat("}]", 149) + "]}," + refused[1:]},
		{accepted, `{"list":` + strings.Repeat("[", 1500) + strings.Repeat("]", 1500) + `,"header":{"isSuccessful":true}}`},
		// No JSON, or not all of it.
		{accepted, ``},
		{accepted, "\ufeff"},
		{undecided, ` `},
		{undecided, "\xef\xbb"},
		{undecided, `<html>`},
		{undecided, `{`},
		{undecided, `{"header":{"isSuccessful":false,"resultCode":8000`},
		{undecided, `{"header":{"isSuccessful":false,"resultCode":80007`}, // it may go on
		{undecided, space(4096-len(`{"header":{"isSuccessful":false,"resultCode":80007`)) + `{"header":{"isSuccessful":false,"resultCode":800071}}`},
		{undecided, `{"header":{"isSuccessful":fals,"resultCode":80007}}`},
		{undecided, `{header:{"isSuccessful":false,"resultCode":80007}}`},
		{undecided, `{"header":}`},
		{undecided, `{"header":{]}`},
		{undecided, `{"a":1 ` + refused[1:]},
		{undecided, `{80007:` + refused + `}`},
		{undecided, `{[]:1}`},
		{undecided, "{\"a\":\"\x00\"," + refused[1:]},
		{undecided, "{\"a\":\"\n\"," + refused[1:]},
		{undecided, `{"a":"\u123x",` + refused[1:]},
		{undecided, `{"a":"\x",` + refused[1:]},
		{undecided, `{"a":01,` + refused[1:]},
		{undecided, `{"a":1.,` + refused[1:]},
		{undecided, `{"a":1e,` + refused[1:]},
		{rejected, `{"a":-0.10e+20,"b":0,"c":1E-7,"d":"\\\/\b\f\n\r\t\"\uAf09",` + refused[1:]},
		{undecided, "\xff\xfe{\x00}\x00"},
	} {
		isRejected, why := judged(t, withEnvelope("api.example", inHeader), jsonResponse(c.body))
		got := accepted
		switch {
		case isRejected:
			got = rejected
		case why != nil:
			got = undecided
			wantAll(t, why, `"test"`, "could not be judged", "4096")
		}
		if got != c.want {
			t.Errorf("%.80q: %s, want %s", c.body, got, c.want)
		}
	}
}

func TestEnvelopesOfOtherShapes(t *testing.T) {
	onTop := authtrip.Envelope{Success: "success", Code: "errorCode", Rejected: []string{"401"}}
	apart := authtrip.Envelope{Success: "ok", Code: "error.detail.code", Rejected: []string{"EXPIRED"}}
	across := authtrip.Envelope{Success: "header.ok", Code: "error.code", Rejected: []string{"EXPIRED"}}
	long := authtrip.Envelope{Code: "code", Rejected: []string{"9007199254740993", "1e3"}}
	alone := authtrip.Envelope{Code: "header.resultCode", Rejected: []string{"80007"}}
	for _, c := range []struct {
		rule     authtrip.Envelope
		body     string
		rejected bool
	}{
		{onTop, `{"success":false,"errorCode":401,"errorName":"AUTH","message":null,"data":null}`, true},
		{onTop, `{"data":{"success":true,"errorCode":0},"errorCode":"401","success":false}`, true},
		{onTop, `{"success":true,"errorCode":0,"errorName":null,"message":null,"data":{}}`, false},
		{onTop, `{"success":false,"errorCode":4010}`, false},
		{onTop, `{"data":{"success":false,"errorCode":401}}`, false},
		{onTop, `{"success":false,"data":{"errorCode":401}}`, false},
		{apart, `{"error":{"detail":{"code":"EXPIRED"}},"ok":false}`, true},
		{apart, `{"ok":false,"error":{"a":{"code":"EXPIRED"},"detail":{"x":1,"code":"EXPIRED"}}}`, true},
		{apart, `{"error":{"detail":{"code":"EXPIRED"}},"ok":true}`, false},
		{apart, `{"ok":false,"error":{"code":"EXPIRED"}}`, false},
		{apart, `{"ok":false,"detail":{"code":"EXPIRED"}}`, false},
		{across, `{"header":{"ok":false},"error":{"code":"EXPIRED"}}`, true},
		{across, `{"error":{"code":"EXPIRED"},"header":{"ok":false}}`, true},
		{across, `{"error":{"code":"EXPIRED"},"header":{"ok":true}}`, false},
		{across, `{"header":{"ok":false,"code":"EXPIRED"},"error":{}}`, false},
		{long, `{"code":9007199254740993}`, true},
		{long, `{"code":9007199254740992}`, false}, // which is the same float64
		{long, `{"code":"1e3"}`, true},
		{alone, refused, true},
		{alone, `{"header":{"isSuccessful":true,"resultCode":80007}}`, true},
		{alone, `{"header":{"resultCode":0},"x":80007}`, false},
		{alone, `{"resultCode":80007}`, false},
	} {
		if got, why := judged(t, withEnvelope("api.example", c.rule), jsonResponse(c.body)); got != c.rejected || why != nil {
			t.Errorf("%+v: %s: rejected %v (%v), want %v", c.rule, c.body, got, why, c.rejected)
		}
	}
}

func TestOnlyJSONOfStatus200IsLookedInto(t *testing.T) {
	for contentType, looked := range map[string]bool{
		"application/json": true, "application/json; charset=utf-8": true, "Application/JSON;charset=UTF-8": true,
		"application/json; charset=utf-8; charset=utf-8": true, "application/json;": true, " application/json ;x": true,
		"application/problem+json": true, "application/vnd.nhn.v1+json; q=1": true,
		"": false, "text/html": false, "text/json": false, "text/plain; x=application/json": false, "application/x-ndjson": false,
		"application/jsonlines": false, "application/json-seq": false, "text/event-stream": false, "application/octet-stream": false,
		"multipart/mixed; boundary=+json": false, "application/xml": false, "json": false,
	} {
		res := jsonResponse(refused)
		res.Header.Set("Content-Type", contentType)
		if got, why := judged(t, withEnvelope("api.example", inHeader), res); got != looked || why != nil {
			t.Errorf("Content-Type %q: rejected %v (%v), want %v", contentType, got, why, looked)
		}
	}
	for _, status := range []int{201, 202, 203, 204, 206, 400, 403, 500} {
		res := jsonResponse(refused)
		res.StatusCode = status
		if got, why := judged(t, withEnvelope("api.example", inHeader), res); got || why != nil {
			t.Errorf("status %d: rejected %v (%v)", status, got, why)
		}
	}
}

func TestAnEnvelopeIsUnzipped(t *testing.T) {
	for encoding, c := range map[string]struct {
		body     string
		rejected bool
		says     string
	}{
		"gzip": {zipped(refused), true, ""}, "GZIP": {zipped(refused), true, ""}, "x-gzip": {zipped("\ufeff" + refused), true, ""},
		"identity": {refused, true, ""}, " gzip ": {zipped(fine), false, ""},
		"gzip ": {refused, false, "no gzip"}, "br": {refused, false, "gzip"}, "deflate": {refused, false, "gzip"},
		"gzip, gzip": {zipped(zipped(refused)), false, "gzip"},
		" x-gzip":    {zipped(refused)[:40], false, "broke off"},
		"x-gzip ":    {zipped(`{"bomb":"` + strings.Repeat("0", 1<<20) + `",` + refused[1:]), false, "4096"},
	} {
		res := jsonResponse("")
		res.Body = io.NopCloser(iotest.DataErrReader(strings.NewReader(c.body))) // its end comes with the last bytes
		res.Header.Set("Content-Encoding", encoding)
		got, why := judged(t, withEnvelope("api.example", inHeader), res)
		if got != c.rejected || (why == nil) != (c.says == "") {
			t.Errorf("Content-Encoding %q: rejected %v (%v), want %v", encoding, got, why, c.rejected)
		} else if why != nil {
			wantAll(t, why, c.says)
		}
	}
}

func zipped(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, text)
	_ = z.Close()
	return b.String()
}

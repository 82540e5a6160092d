package hot

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/authtrip/authtrip/bench/peer"
)

// envelopeFirst is the length of the replies by the name of their benchmark. All
// say first that they are no rejection, as NHN Cloud's services do.
var envelopeFirst = []struct {
	name   string
	length int
}{
	{"200B", 200},
	{"4KiB", 4 << 10},
}

// BenchmarkEnvelope is a round trip whose reply is JSON that has to be looked
// into, beside the same one with a registration that does not look. The caller
// reads the reply to its end.
func BenchmarkEnvelope(b *testing.B) {
	nhn, err := peer.ByName("authtrip-nhn")
	if err != nil {
		b.Fatal(err)
	}
	for _, reply := range envelopeFirst {
		for _, p := range []peer.Peer{peer.NoEnvelope, nhn} {
			b.Run(reply.name+"/"+p.Name, func(b *testing.B) {
				rt := buildOver(b, p, newJSONStub(reply.length))
				req := request(api)
				read := make([]byte, 8<<10)
				b.ReportAllocs()
				for b.Loop() {
					if err := readReply(rt, req, read); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// readReply sends req and reads the reply into p, which costs nothing itself.
func readReply(rt http.RoundTripper, req *http.Request, p []byte) error {
	res, err := rt.RoundTrip(req)
	if err != nil {
		return err
	}
	for err == nil {
		_, err = res.Body.Read(p)
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return errors.Join(err, res.Body.Close())
}

// jsonStub answers with JSON, each time in a fresh response with a fresh body:
// two allocations, which all that is measured over it has.
type jsonStub struct {
	header http.Header
	text   string
}

func newJSONStub(length int) *jsonStub {
	const head = `{"header":{"isSuccessful":true,"resultCode":0,"resultMessage":"SUCCESS"},"body":"`
	const tail = `"}`
	return &jsonStub{
		header: http.Header{"Content-Type": {"application/json;charset=UTF-8"}},
		text:   head + strings.Repeat("x", length-len(head)-len(tail)) + tail,
	}
}

func (s *jsonStub) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: 200, Status: "200 OK", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: s.header, Body: &jsonBody{rest: s.text}, ContentLength: int64(len(s.text)),
	}, nil
}

// jsonBody is a body of net/http's kind: it is read, and closed, and no more.
type jsonBody struct{ rest string }

func (b *jsonBody) Read(p []byte) (int, error) {
	if b.rest == "" {
		return 0, io.EOF
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

func (b *jsonBody) Close() error { return nil }

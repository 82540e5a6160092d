package authtrip

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// zippedDrip is a body of zipped pieces, one a second.
type zippedDrip struct {
	pieces [][]byte
	reads  atomic.Int32
}

func newZippedDrip(pieces int) *zippedDrip {
	var text bytes.Buffer
	z, d := gzip.NewWriter(&text), &zippedDrip{}
	for i := range pieces {
		_, _ = fmt.Fprintf(z, `{"line":[%d],`, i)
		_ = z.Flush()
		d.pieces = append(d.pieces, bytes.Clone(text.Bytes()))
		text.Reset()
	}
	return d
}

func (d *zippedDrip) Read(p []byte) (int, error) {
	time.Sleep(time.Second)
	n := int(d.reads.Add(1)) - 1
	if n >= len(d.pieces) {
		return 0, io.EOF
	}
	return copy(p, d.pieces[n]), nil
}

func (*zippedDrip) Close() error { return nil }

func (d *zippedDrip) open(t *testing.T) io.ReadCloser {
	t.Helper()
	res := &http.Response{StatusCode: 200, Header: http.Header{"Content-Encoding": {"gzip"}}, Body: d}
	res, verdict, err := openEnvelope(t.Context(), res, Envelope{Code: "code", Rejected: []string{"1"}}.rule(), 100*time.Millisecond)
	if verdict != TokenAccepted || err == nil {
		t.Fatalf("verdict %v, %v; it could not be judged", verdict, err)
	}
	return res.Body
}

// A zipped stream is not held up longer than another.
func TestAZippedStreamComesInPieces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newZippedDrip(5)
		start, body := time.Now(), d.open(t)
		for i, piece := range d.pieces {
			got := make([]byte, 4096)
			n, err := body.Read(got)
			if err != nil || !bytes.Equal(got[:n], piece) || time.Since(start) != time.Duration(i+1)*time.Second {
				t.Fatalf("piece %d: %d bytes, %v, after %v", i, n, err, time.Since(start))
			}
		}
		if _, err := body.Read(make([]byte, 9)); err != io.EOF {
			t.Fatal(err)
		}
	})
}

func TestOfAZippedBodyThatIsClosedNoMoreIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newZippedDrip(5)
		_ = d.open(t).Close()
		time.Sleep(time.Minute)
		if n := d.reads.Load(); n != 1 {
			t.Fatalf("%d Reads, want the one that was under way", n)
		}
	})
}

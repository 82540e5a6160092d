package faultmatrix

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
)

// api is the server that wants tokens. It says no with a 401, and looks at
// every byte of what it is sent.
type api struct {
	ledger *ledger
	server *httptest.Server

	answers  atomic.Int64
	served   atomic.Int64 // requests answered with 200
	rejected atomic.Int64 // requests with a bad token
	told     atomic.Int64 // of these, with one that the API had rejected before
	bare     atomic.Int64 // requests without a token
	damaged  atomic.Int64 // requests whose body was not what its sum says
}

// sumHeader has the SHA-256 of a request's body, and of a response's.
const sumHeader = "X-Body-Sum"

func newAPI(l *ledger) *api {
	a := &api{ledger: l}
	a.server = httptest.NewUnstartedServer(a)
	a.server.Config.ErrorLog = silent
	a.server.Start()
	return a
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client left
	}
	if r.Method == http.MethodPost && r.Header.Get(sumHeader) != sumOf(body) || r.Method == http.MethodGet && len(body) > 0 {
		a.damaged.Add(1)
	}
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		a.bare.Add(1)
	}
	good, told := a.ledger.judge(token)
	answer := []byte(strings.Repeat("an answer ", 100))
	if a.answers.Add(1)%50 == 0 { // longer than what is read ahead of a rejection
		answer = bytes.Repeat(answer, 150)
	}
	w.Header().Set(sumHeader, sumOf(answer))
	if !good {
		a.rejected.Add(1)
		if told {
			a.told.Add(1)
		}
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		w.WriteHeader(http.StatusUnauthorized)
	} else {
		a.served.Add(1)
	}
	_, _ = w.Write(answer)
}

func sumOf(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

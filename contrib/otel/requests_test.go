package authotel_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/authtrip/authtrip/authtest"
)

func TestARejectionAndWhatCameOfItAreEventsOfTheRequestsSpan(t *testing.T) {
	w := newWorld(t)
	w.mustToken()
	w.cloud.RevokeAll()
	ctx, span := w.span("request")
	w.mustGet(ctx, w.over(nil))
	span.End()

	request := w.one("request")
	var names []string
	for _, e := range request.Events {
		names = append(names, e.Name)
	}
	got := strings.Join(names, " ")
	if want := "authtrip.token.rejected authtrip.token.waited authtrip.request.replay authtrip.request.replayed"; got != want {
		t.Fatalf("the events are %s, want %s", got, want)
	}
	if got, want := text(request.Events[0].Attributes), "authtrip.registration=nhn authtrip.rejection.first=true http.response.status_code=401"; got != want {
		t.Errorf("the rejection is %s, want %s", got, want)
	}
	if got, want := text(request.Events[3].Attributes), "authtrip.registration=nhn authtrip.replay.outcome=accepted"; got != want {
		t.Errorf("the replay is %s, want %s", got, want)
	}
	wantLinks(t, request, w.named(tokenCall)[1])
}

func TestWhyARequestWasNotSentAgainIsAnEvent(t *testing.T) {
	w := newWorld(t)
	w.mustToken()
	w.cloud.RevokeAll()
	ctx, span := w.span("request")
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.cloud.APIURL+"/v1/things", io.MultiReader(strings.NewReader("once")))
	if err != nil {
		t.Fatal(err)
	}
	res, err := w.over(nil).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	span.End()
	e := eventNamed(t, w.one("request"), "authtrip.request.not_replayed")
	if got := value(e.Attributes, "authtrip.reason"); !strings.Contains(got, "GetBody") {
		t.Errorf("the reason is %q", got)
	}
}

func TestAnUndecidedEnvelopeIsAnEvent(t *testing.T) {
	w := newWorldOf(t, []authtest.Option{authtest.Services()})
	ctx, span := w.span("request")
	w.tel.Hooks().Undecided(ctx, "nhn", io.ErrUnexpectedEOF)
	span.End()
	e := eventNamed(t, w.one("request"), "authtrip.response.undecided")
	if got := value(e.Attributes, "authtrip.reason"); got != "unexpected EOF" {
		t.Errorf("the reason is %q", got)
	}
}

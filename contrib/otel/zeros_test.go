package authotel_test

import (
	"strings"
	"testing"

	"github.com/authtrip/authtrip/authtest"
	authotel "github.com/authtrip/authtrip/contrib/otel"
)

func TestTheLikelySeriesOfCountersBeginWithTheFirstTokenCall(t *testing.T) {
	for name, c := range map[string]struct {
		options []authotel.Option
		of      string
	}{
		"by ID":   {nil, "authtrip.registration=nhn "},
		"without": {[]authotel.Option{authotel.WithRegistrationName(func(string) string { return "" })}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{telemetry: newTelemetry(t, c.options...), cloud: authtest.NewNHN()}
			t.Cleanup(w.cloud.Close)
			w.src = w.source()
			w.mustToken()
			for metric, want := range map[string][]string{
				rejections: {"authtrip.rejection.first=true http.response.status_code=401"},
				replays: {"authtrip.replay.outcome=accepted", "authtrip.replay.outcome=rejected",
					"authtrip.replay.outcome=not_replayed error.type=_OTHER"},
				"authtrip.response.undecided":    {""},
				"authtrip.store.record_failures": {"error.type=_OTHER"},
			} {
				got := map[string]int64{}
				for _, p := range w.ints(metric) {
					got[text(p.Attributes.ToSlice())] = p.Value
				}
				for _, series := range want {
					series = strings.TrimSpace(c.of + series)
					if v, there := got[series]; !there || v != 0 {
						t.Errorf("%s{%s} is %v, there: %v, want a 0", metric, series, v, there)
					}
				}
				if len(got) != len(want) {
					t.Errorf("%s has the series %v, want %d", metric, got, len(want))
				}
			}
		})
	}
}

package browsertest

import (
	"context"
	"flag"
	"io"
	"net/http"
	"os"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

var write = flag.Bool("write", false, "write the pictures into docs/img")

const pictures = "../../../docs/img/"

// maxPicture is the size of a picture that nobody waits for.
const maxPicture = 200 << 10

// scheme is the reader's choice of colours: "light" or "dark".
func scheme(name string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}},
		})
		return err
	})
}

func TestThePicture(t *testing.T) {
	var arguments []string
	if *write {
		arguments = []string{"--listen", "127.0.0.1:9090"}
	}
	base, client := emulate(t, "nhn", arguments...)
	for _, step := range []struct{ action, path string }{
		{"", "/v1/organizations"}, {"", "/v1/organizations/emulated/projects"},
		{"revoke-all", "/v1/organizations"}, {"unavailable", "/v1/organizations"},
		{"revoke-all", "/v1/organizations"}, {"heal", "/v1/organizations"},
		{"unavailable", "/v1/organizations/emulated/members"},
	} {
		if step.action != "" {
			res, err := http.PostForm(base+"/_emulator/"+step.action, nil)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
		}
		if res, err := client.Get(base + step.path); err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
		}
	}
	x := open(t, scheme("light"), chromedp.EmulateViewport(1200, 800), chromedp.Navigate(base+"/_emulator/"))
	x.until(live)
	x.take("emulator.png")
}

func (x *tab) take(name string) {
	x.Helper()
	png, err := chromedp.Run(x.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		x.Fatal(err)
	}
	if len(png) > maxPicture {
		x.Errorf("%s has %d bytes", name, len(png))
	}
	if !*write {
		return
	}
	if err := os.WriteFile(pictures+name, png, 0o644); err != nil {
		x.Fatal(err)
	}
}

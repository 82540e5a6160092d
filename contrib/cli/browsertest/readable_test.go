package browsertest

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// hostile is a path that would do something, if it were not text.
const hostile = "/v1/<img src=x onerror=document.title='taken'><script>document.title='taken'</script>"

// fill makes all kinds of rows.
func fill(t *testing.T, base string, client *http.Client, path string) {
	t.Helper()
	get(t, client, base+path)
	get(t, http.DefaultClient, base+path)
	get(t, client, base+path+"/"+strings.Repeat("a-long-one", 30))
	req, err := http.NewRequest(http.MethodGet, base, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.URL.Path = hostile
	req.Header.Set("User-Agent", hostile)
	req.Header.Set("x-nhn-authentication", "Bearer <b>"+strings.Repeat("long", 50))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
}

func TestThePageFitsANarrowWindow(t *testing.T) {
	for which, path := range map[string]string{"nhn": "/v1/organizations", "prism": "/prism/v1/service/user"} {
		t.Run(which, func(t *testing.T) {
			base, client := emulate(t, which)
			fill(t, base, client, path)
			x := open(t, chromedp.EmulateViewport(400, 800), chromedp.Navigate(base+"/_emulator/"))
			x.until(live)
			x.until(row("long-one"))
			if out := ask[string](x, `[...document.body.querySelectorAll('*')].filter(e => e.getBoundingClientRect().right > innerWidth)
				.map(e => e.tagName + ' ' + e.className + ' ' + e.textContent.slice(0, 40)).join('\n')`); out != "" {
				t.Errorf("these stand out at the right:\n%s", out)
			}
			if !ask[bool](x, `document.getElementById("calls").getBoundingClientRect().top < document.getElementById("tokens").getBoundingClientRect().top`) {
				t.Error("the calls are below the tokens")
			}
			if !ask[bool](x, `document.documentElement.scrollWidth <= 400`) {
				t.Error("the page scrolls sideways")
			}
			x.clean(base)
		})
	}
}

func TestWhatACallerSentIsText(t *testing.T) {
	base, client := emulate(t, "nhn")
	x := open(t, chromedp.Navigate(base+"/_emulator/"))
	x.until(live)
	fill(t, base, client, "/v1/organizations") // live
	x.until(row("<script>"))
	x.do(chromedp.Navigate(base + "/_emulator/")) // and from the start
	x.until(live)
	x.until(row("<script>"))
	if title := ask[string](x, "document.title"); title != "NHN Cloud emulator" {
		t.Errorf("the title is %q", title)
	}
	if n := ask[int](x, "document.querySelectorAll('#calls img, #calls script').length"); n > 0 {
		t.Errorf("%d elements came from a caller", n)
	}
	x.clean(base)
}

func TestEverythingHasAName(t *testing.T) {
	base, _ := emulate(t, "prism")
	x := open(t, chromedp.Navigate(base+"/_emulator/"))
	if out := ask[string](x, `[
		...[...document.querySelectorAll('input')].filter(e => !e.labels.length || !e.labels[0].textContent.trim()),
		...[...document.querySelectorAll('button, a, h1, h2, h3, th')].filter(e => !e.textContent.trim()),
		...[...document.querySelectorAll('section')].filter(e => !e.ariaLabel && !document.getElementById(e.getAttribute('aria-labelledby'))),
		...[...document.querySelectorAll('[aria-describedby]')].filter(e => !document.getElementById(e.getAttribute('aria-describedby'))),
		...[...document.querySelectorAll('[id]')].filter(e => document.querySelectorAll('[id="' + e.id + '"]').length > 1),
		...[...document.querySelectorAll('[tabindex]')].filter(e => e.tabIndex > 0),
	].map(e => e.outerHTML).join('\n')`); out != "" {
		t.Errorf("without a name, or with another's:\n%s", out)
	}
	for _, selector := range []string{"html[lang]", "main", "h1", "meta[name=viewport]", "[aria-live=polite]", "[role=status]"} {
		if !ask[bool](x, "document.querySelector('"+selector+"') !== null") {
			t.Errorf("there is no %s", selector)
		}
	}
}

// contrasts are texts with less contrast than WCAG 2 asks for (AA, 4.5 to 1),
// and how many were looked at.
const contrasts = `(() => {
	const rgba = (c) => { const n = c.match(/[\d.]+/g).map(Number); return n.length === 3 ? [...n, 1] : n; };
	const luminance = (c) => c.slice(0, 3).map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
		.reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
	const ground = (e) => { for (; e; e = e.parentElement) { const c = rgba(getComputedStyle(e).backgroundColor); if (c[3] === 1) return c; } return [255, 255, 255, 1]; };
	const bad = [];
	let seen = 0;
	const check = (e, color, text) => {
		const [a, b] = [luminance(rgba(color)), luminance(ground(e))];
		const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		seen++;
		if (ratio < 4.5) bad.push(ratio.toFixed(2) + ' ' + e.tagName + '.' + e.className + ' ' + text.trim().slice(0, 40));
	};
	for (const e of document.body.querySelectorAll('*')) {
		if (!e.checkVisibility()) continue;
		if ([...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) check(e, getComputedStyle(e).color, e.textContent);
		if (e.tagName === 'INPUT') { check(e, getComputedStyle(e).color, e.name); check(e, getComputedStyle(e, '::placeholder').color, 'placeholder'); }
	}
	return { bad: bad.join('\n'), seen };
})()`

func TestTheContrastIsEnough(t *testing.T) {
	base, client := emulate(t, "nhn")
	fill(t, base, client, "/v1/organizations")
	grounds := map[string]bool{}
	for _, name := range []string{"light", "dark"} {
		x := open(t, scheme(name), chromedp.Navigate(base+"/_emulator/"))
		x.until(live)
		grounds[ask[string](x, "getComputedStyle(document.documentElement).backgroundColor")] = true
		for _, button := range []string{"Heal", "Slow down"} { // without a fault and with one
			x.press(button, kb.Enter)
			x.until(map[string]string{"Heal": `document.querySelector('#health .good')`, "Slow down": `document.querySelector('#health .bad')`}[button])
			found := ask[struct {
				Bad  string
				Seen int
			}](x, contrasts)
			if found.Bad != "" || found.Seen < 50 {
				t.Errorf("%s, after %s, of %d texts:\n%s", name, button, found.Seen, found.Bad)
			}
		}
	}
	if len(grounds) != 2 {
		t.Errorf("light and dark are one: %v", grounds)
	}
}

func TestThePageWorksWithoutJavaScript(t *testing.T) {
	base, client := emulate(t, "nhn")
	get(t, client, base+"/v1/organizations")
	off := chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	})
	x := open(t, off, chromedp.Navigate(base+"/_emulator/"))
	says := func() string {
		x.Helper()
		return ask[string](x, "document.body.innerText") // the tests' own scripts do run
	}
	if text := says(); !strings.Contains(text, "token accepted") || !strings.Contains(text, "Not live") {
		t.Errorf("the page says:\n%s", text)
	}
	for button, want := range map[string]string{
		"Revoke all tokens": "All tokens are revoked.",
		"Slow down":         "it answers after 2 s.",
		"Set lifetime":      "New tokens live 1 d.",
	} {
		if _, err := chromedp.RunResponse(x.ctx, chromedp.Click(chromedp.Search(`//button[.='`+button+`']`))); err != nil {
			t.Fatal(err)
		}
		if text := says(); !strings.Contains(text, want) {
			t.Errorf("after %q the page says:\n%s", button, text)
		}
	}
}

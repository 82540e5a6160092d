package browsertest

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// A row of the calls, the latest of them, that says so.
func row(text string) string {
	return `[...document.querySelectorAll('#calls tr')].some(r => r.innerText.includes('` + text + `'))`
}

const live = `document.querySelector('#line.live')`

func TestCallsArriveLiveAndFaultsAreSwitchedByKeyboard(t *testing.T) {
	base, client := emulate(t, "nhn")
	x := open(t, chromedp.Navigate(base+"/_emulator/"))
	x.until(live)
	x.until(`document.querySelector('.none').offsetHeight > 0`)

	if status := get(t, client, base+"/v1/organizations"); status != http.StatusOK {
		t.Fatal(status)
	}
	x.until(row("token issued"))
	x.until(row("token accepted"))
	x.until(`document.querySelectorAll('#tokens tbody tr').length === 1`)
	x.until(`document.getElementById('count-accepted').textContent === '1'`)
	first := ask[string](x, `document.querySelector('#tokens code').textContent`)
	if len([]rune(first)) != 7 {
		t.Errorf("a token shows as %q", first)
	}

	// Revoked, the token is rejected, and another is had at once.
	x.press("Revoke all tokens", kb.Enter)
	x.until(`document.getElementById('done').innerText.includes('All tokens are revoked.')`)
	x.until(`document.querySelectorAll('#tokens tbody tr').length === 0`)
	if status := get(t, client, base+"/v1/organizations"); status != http.StatusOK {
		t.Errorf("after the revocation: %d", status)
	}
	x.until(row("token rejected: it was revoked"))
	x.until(`document.getElementById('count-issued').textContent === '2'`)
	x.until(`document.querySelectorAll('#tokens tbody tr').length === 1`)
	if second := ask[string](x, `document.querySelector('#tokens code').textContent`); second == first {
		t.Errorf("the token in force is %s still", second)
	}

	// While the token endpoint is down, no other is.
	x.press("Answer 503", " ")
	x.until(`document.getElementById('health').innerText.includes('The token endpoint answers 503.')`)
	x.until(`document.querySelector('form.on button').textContent === 'Answer 503'`)
	x.press("Revoke all tokens", " ")
	x.until(`document.querySelectorAll('#tokens tbody tr').length === 0`)
	if status := get(t, client, base+"/v1/projects"); status != http.StatusUnauthorized {
		t.Errorf("without a token to be had: %d", status)
	}
	x.until(row("503 temporarily_unavailable"))
	x.until(row("/v1/projects"))

	x.press("Heal", kb.Enter)
	x.until(`document.getElementById('health').innerText.includes('Healthy')`)
	x.until(`!document.querySelector('form.on')`)
	if status := get(t, client, base+"/v1/healed"); status != http.StatusOK {
		t.Errorf("after the healing: %d", status)
	}
	x.until(row("/v1/healed"))
	x.until(`document.getElementById('count-issued').textContent === '3'`)
	x.clean(base)
}

func TestThePageFindsAnEmulatorThatWasStartedAgain(t *testing.T) {
	base, client, stop := emulateUntil(t, "nhn")
	x := open(t, chromedp.Navigate(base+"/_emulator/"))
	x.until(live)
	get(t, client, base+"/v1/before")
	x.until(row("/v1/before"))
	stop()
	x.until(`document.getElementById('line').textContent === 'Connection lost; trying again'`)

	address := strings.TrimPrefix(base, "http://")
	_, client = emulate(t, "nhn", "--listen", address)
	x.until(live)
	x.until(`document.querySelectorAll('#calls tr').length === 0`)
	get(t, client, base+"/v1/after")
	x.until(row("/v1/after"))
}

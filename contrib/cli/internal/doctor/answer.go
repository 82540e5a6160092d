package doctor

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/authtrip/authtrip"
)

// usual are the places where an API's JSON says what became of a request.
var usual = []authtrip.Envelope{
	{Success: "header.isSuccessful", Code: "header.resultCode"},
	{Success: "success", Code: "errorCode"},
	{Success: "success", Code: "code"},
	{Code: "error.code"},
	{Code: "errorCode"},
	{Code: "resultCode"},
	{Code: "code"},
	{Code: "error"},
}

// answer is an API's, without its content.
type answer struct {
	status   int
	shape    authtrip.Envelope // where its code stands; the zero Envelope: nowhere that is known
	code     string            // fit to be shown
	success  *bool
	rejected bool // by the library's rule
	hadToken bool // the request
}

// judge finds the code in an answer's JSON.
func judge(status int, body []byte, shapes []authtrip.Envelope) *answer {
	a := &answer{status: status}
	for _, shape := range shapes {
		code := at(body, shape.Code)
		if code == nil || kindOf(code) == "object" || kindOf(code) == "list" || kindOf(code) == "null" {
			continue
		}
		var success *bool
		if shape.Success != "" {
			if value := at(body, shape.Success); value == nil || json.Unmarshal(value, &success) != nil || success == nil {
				continue
			}
		}
		a.shape, a.code, a.success = shape, short(code), success
		return a
	}
	return a
}

// failed reports whether the answer says by itself that the request failed.
func (a *answer) failed() bool { return a.success != nil && !*a.success }

func (a *answer) String() string {
	text := fmt.Sprintf("HTTP %d", a.status)
	if http.StatusText(a.status) == "" {
		text = fmt.Sprintf("status %d", a.status)
	}
	if a.shape.Code != "" && a.code != "" {
		text += ", " + a.shape.Code + " " + a.code
	}
	return text
}

// at is the value at a path from the top of the JSON, or nil.
func at(body []byte, path string) json.RawMessage {
	value := json.RawMessage(body)
	for step := range strings.SplitSeq(path, ".") {
		var fields map[string]json.RawMessage
		if json.Unmarshal(value, &fields) != nil {
			return nil
		}
		value = fields[step]
	}
	return value
}

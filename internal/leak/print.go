package leak

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"reflect"
	"text/template"
)

const (
	verbs = "vTtbcdoOqxXUeEfFgGsp"
	// errorVerbs are those that make something else of text.
	errorVerbs = "vsqxXd"
)

// Print returns v as a program may write it, by how that is done: with every
// verb of fmt, in other values, and through the standard library's encoders,
// templates and loggers.
func Print(v any) map[string]string {
	out := map[string]string{}
	for _, verb := range verbs {
		for _, flags := range []string{"", "+", "#", " ", "+#", "10.3"} {
			how := "%" + flags + string(verb)
			out[how] = fmt.Sprintf(how, v)
			out[how+" in a struct"] = fmt.Sprintf(how, inside(v))
		}
	}
	out["Println"] = fmt.Sprintln(v, reflect.ValueOf(v))
	encode(out, v)
	for how, text := range map[string]string{"{{.}}": "{{.}}", "{{printf}}": `{{printf "%#v %s" . .}}`, "{{range}}": "{{range .}}{{.}}{{end}}"} {
		var b bytes.Buffer
		err := template.Must(template.New("").Parse(text)).Execute(&b, v)
		out["template "+how] = b.String() + fmt.Sprint(err)
	}
	write(out, v)
	return out
}

// PrintError returns err and all that it wraps as a program may write them.
func PrintError(err error) (texts []string) {
	for ; err != nil; err = errors.Unwrap(err) {
		for _, verb := range errorVerbs {
			for _, flags := range []string{"", "+", "#"} {
				texts = append(texts, fmt.Sprintf("%"+flags+string(verb), err))
			}
		}
		out := map[string]string{}
		write(out, err)
		for _, text := range out {
			texts = append(texts, text)
		}
		text, _ := json.Marshal(err)
		texts = append(texts, string(text), fmt.Sprintf("%#v", inside(err)), fmt.Errorf("wrapped: %w", errors.Join(err, err)).Error())
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			for _, e := range joined.Unwrap() {
				texts = append(texts, PrintError(e)...)
			}
		}
	}
	return texts
}

// hidden is a program's own struct, whose fields' methods fmt does not call.
type hidden struct {
	v any
	p *any
	s []any
	m map[string]any
	a [1]any
	h *hidden
}

func inside(v any) []any {
	h := hidden{v, &v, []any{v}, map[string]any{"k": v}, [1]any{v}, &hidden{v: v}}
	return []any{h, &h, reflect.ValueOf(h)}
}

// encode marshals v, where that can be done: alone and in other values.
func encode(out map[string]string, v any) {
	type shown struct {
		V any
		P *any
		S []any
		M map[string]any
	}
	for how, v := range map[string]any{"alone": v, "in a struct": shown{v, &v, []any{v}, map[string]any{"k": v}}, "hidden": inside(v)} {
		b, err := json.Marshal(v)
		out["JSON, "+how] = string(b) + fmt.Sprint(err)
		b, err = json.MarshalIndent(v, "", " ")
		out["JSON indented, "+how] = string(b) + fmt.Sprint(err)
		x, err := xml.Marshal(v)
		out["XML, "+how] = string(x) + fmt.Sprint(err)
		var g bytes.Buffer
		err = gob.NewEncoder(&g).Encode(v)
		out["gob, "+how] = g.String() + fmt.Sprint(err)
	}
}

// write logs v.
func write(out map[string]string, v any) {
	var b bytes.Buffer
	log.New(&b, "", 0).Printf("%v %+v", v, v)
	out["log"] = b.String()
	for how, handler := range map[string]slog.Handler{
		"text": slog.NewTextHandler(&b, nil), "JSON": slog.NewJSONHandler(&b, nil),
	} {
		b.Reset()
		slog.New(handler).WithGroup("g").With("with", v).Info("x", "v", v, slog.Group("h", slog.Group("i", "v", v)))
		out["slog "+how] = b.String()
		b.Reset()
		slog.New(handler).Info("x", "v", struct{ V any }{v}, "p", &v, "s", []any{v}, "h", inside(v))
		out["slog "+how+" in a struct"] = b.String()
	}
}

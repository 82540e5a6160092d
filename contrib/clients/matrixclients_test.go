package clients_test

import (
	"context"
	"encoding/json"
	"io"
	mime "mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/contrib/restyv3"
	"github.com/authtrip/authtrip/middleware"
	resty2 "github.com/go-resty/resty/v2"
	resty3 "resty.dev/v3"
)

// netHTTP is an http.Client over a Transport.
func netHTTP(t *testing.T, src *authtrip.Source) caller {
	client := &http.Client{Transport: &authtrip.Transport{Source: src, Base: &http.Transport{}}}
	t.Cleanup(client.CloseIdleConnections)
	return func(ctx context.Context, method, url string, body content) (int, string, error) {
		reader, contentType := netHTTPBody(t, body)
		req, err := http.NewRequestWithContext(ctx, method, url, reader)
		if err != nil {
			return 0, "", err
		}
		if contentType != "" {
			req.Header.Set("Content-Type", contentType)
		}
		res, err := client.Do(req)
		if err != nil {
			return 0, "", err
		}
		defer func() { _ = res.Body.Close() }()
		got, err := io.ReadAll(res.Body)
		return res.StatusCode, string(got), err
	}
}

// netHTTPBody is the body as a program with net/http has it.
func netHTTPBody(t *testing.T, body content) (io.Reader, string) {
	switch body {
	case inMemory:
		return strings.NewReader(payload), "text/plain"
	case asJSON:
		text, err := json.Marshal(map[string]string{"body": payload})
		if err != nil {
			t.Error(err)
		}
		return strings.NewReader(string(text)), "application/json"
	case asForm:
		return strings.NewReader(url.Values{"body": {payload}}.Encode()), "application/x-www-form-urlencoded"
	case fromFile:
		return file(t), "text/plain"
	case stream:
		return bodyReader(), "text/plain"
	case multipart:
		pipe, end := io.Pipe()
		w := mime.NewWriter(end)
		go func() {
			part, err := w.CreateFormFile("f", "f")
			if err == nil {
				_, err = io.Copy(part, bodyReader())
			}
			if err == nil {
				err = w.Close()
			}
			_ = end.CloseWithError(err)
		}()
		return pipe, w.FormDataContentType()
	}
	return nil, ""
}

func restyInstall(t *testing.T, src *authtrip.Source) caller {
	client := resty2.New().SetLogger(silent{})
	if err := middleware.Install(client, src); err != nil {
		t.Fatal(err)
	}
	return restyV2(t, client)
}

func restyHook(t *testing.T, src *authtrip.Source) caller {
	return restyV2(t, resty2.New().SetLogger(silent{}).OnBeforeRequest(middleware.BeforeRequest(src)).
		SetRetryCount(1).SetRetryWaitTime(retryWait).AddRetryCondition(middleware.RetryRejected))
}

func restyV2(t *testing.T, client *resty2.Client) caller {
	t.Cleanup(client.GetClient().CloseIdleConnections)
	return func(ctx context.Context, method, url string, body content) (int, string, error) {
		r := client.R().SetContext(ctx)
		switch body {
		case inMemory:
			r.SetBody(payload)
		case asJSON:
			r.SetBody(map[string]string{"body": payload})
		case asForm:
			r.SetFormData(map[string]string{"body": payload})
		case fromFile:
			r.SetBody(file(t))
		case stream:
			r.SetBody(bodyReader())
		case multipart:
			r.SetFileReader("f", "f", bodyReader())
		}
		res, err := r.Execute(method, url)
		if err != nil {
			return 0, "", err
		}
		return res.StatusCode(), res.String(), nil
	}
}

func restyV3(t *testing.T, src *authtrip.Source) caller {
	client := resty3.New().SetLogger(silent{})
	if err := restyv3.Install(client, src); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	t.Cleanup(client.Client().CloseIdleConnections)
	return func(ctx context.Context, method, url string, body content) (int, string, error) {
		r := client.R().SetContext(ctx)
		switch body {
		case inMemory:
			r.SetHeader("Content-Type", "text/plain").SetBody(payload)
		case asJSON:
			r.SetHeader("Content-Type", "application/json").SetBody(map[string]string{"body": payload})
		case asForm:
			r.SetFormData(map[string]string{"body": payload})
		case fromFile:
			r.SetHeader("Content-Type", "text/plain").SetBody(file(t))
		case stream:
			r.SetHeader("Content-Type", "text/plain").SetBody(bodyReader())
		case multipart:
			r.SetFileReader("f", "f", bodyReader())
		}
		res, err := r.Execute(method, url)
		if err != nil {
			return 0, "", err
		}
		return res.StatusCode(), res.String(), nil
	}
}

// silent is a logger that drops what it is told.
type silent struct{}

func (silent) Errorf(string, ...any) {}
func (silent) Warnf(string, ...any)  {}
func (silent) Debugf(string, ...any) {}

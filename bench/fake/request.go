package fake

import "net/http"

// URL is one of the API's.
const URL = "https://api.example.test/v1/things"

// Request is a GET with as many headers as requests have: four.
func Request(url string) *http.Request {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		panic(err)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "bench/1.0")
	req.Header.Set("X-Request-Id", "0123456789abcdef")
	return req
}

// Package middleware brings authtrip to Resty v2 (github.com/go-resty/resty/v2).
//
// [Install] is the way for most: it wraps the transport under the client, so
// that every request gets a token and a rejected one is replaced:
//
//	client := resty.New()
//	err := middleware.Install(client, src)
//	res, err := client.R().Get("https://core.api.nhncloudservice.com/v1/organizations")
//
// [BeforeRequest] is a hook that attaches only, for programs that keep to
// Resty's own retry:
//
//	client.OnBeforeRequest(middleware.BeforeRequest(src))
//	client.SetRetryCount(1).AddRetryCondition(middleware.RetryRejected)
//	client.AddRetryCondition(func(_ *resty.Response, err error) bool { return err != nil })
//
// The last line is for those who want network errors retried too: Resty does so
// by itself only as long as there is no condition.
//
// Either way Resty never holds the token: its debug log, its curl commands and
// its redirect policies cannot show it or carry it on.
package middleware

module github.com/authtrip/authtrip/contrib/cli/browsertest

go 1.26.0

require (
	github.com/authtrip/authtrip v0.0.0
	github.com/authtrip/authtrip/contrib/cli v0.0.0
	github.com/authtrip/authtrip/contrib/config v0.0.0
	github.com/chromedp/cdproto v0.159.0
	github.com/chromedp/chromedp v0.23.0
)

require (
	github.com/go-json-experiment/json v0.0.0-20260213210345-44df1a37e875 // indirect
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/sony/gobreaker/v2 v2.4.0 // indirect
	github.com/spf13/cobra v1.10.2 // indirect
	github.com/spf13/pflag v1.0.9 // indirect
	go.yaml.in/yaml/v4 v4.0.0 // indirect
	golang.org/x/sync v0.24.0 // indirect
)

replace (
	github.com/authtrip/authtrip => ../../..
	github.com/authtrip/authtrip/contrib/cli => ..
	github.com/authtrip/authtrip/contrib/config => ../../config
)

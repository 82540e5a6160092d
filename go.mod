module github.com/authtrip/authtrip

go 1.26.0

require (
	github.com/go-resty/resty/v2 v2.17.2
	github.com/sony/gobreaker/v2 v2.4.0
	golang.org/x/sync v0.24.0
)

require golang.org/x/net v0.43.0 // indirect

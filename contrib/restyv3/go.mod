module github.com/authtrip/authtrip/contrib/restyv3

go 1.26.0

require (
	github.com/authtrip/authtrip v0.0.0
	resty.dev/v3 v3.0.0-rc.4
)

require (
	github.com/sony/gobreaker/v2 v2.4.0 // indirect
	golang.org/x/net v0.43.0 // indirect
	golang.org/x/sync v0.24.0 // indirect
)

replace github.com/authtrip/authtrip => ../..

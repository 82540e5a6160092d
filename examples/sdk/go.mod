module github.com/authtrip/authtrip/examples/sdk

go 1.26.0

require (
	github.com/authtrip/authtrip v0.0.0
	github.com/gophercloud/gophercloud/v2 v2.15.0
)

require (
	github.com/sony/gobreaker/v2 v2.4.0 // indirect
	golang.org/x/sync v0.24.0 // indirect
)

replace github.com/authtrip/authtrip => ../..

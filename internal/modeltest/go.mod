module github.com/authtrip/authtrip/internal/modeltest

go 1.26.0

require (
	github.com/authtrip/authtrip v0.0.0
	pgregory.net/rapid v1.3.0
)

require (
	github.com/sony/gobreaker/v2 v2.4.0 // indirect
	golang.org/x/sync v0.24.0 // indirect
)

replace github.com/authtrip/authtrip => ../..

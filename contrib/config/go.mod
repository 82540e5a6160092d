module github.com/authtrip/authtrip/contrib/config

go 1.26.0

require (
	github.com/authtrip/authtrip v0.0.0
	go.yaml.in/yaml/v4 v4.0.0
)

require (
	github.com/sony/gobreaker/v2 v2.4.0 // indirect
	golang.org/x/sync v0.24.0 // indirect
)

replace github.com/authtrip/authtrip => ../..

module github.com/authtrip/authtrip/examples/fleet

go 1.26.0

replace (
	github.com/authtrip/authtrip => ../..
	github.com/authtrip/authtrip/contrib/redisstore => ../../contrib/redisstore
)

require (
	github.com/authtrip/authtrip v0.0.0
	github.com/authtrip/authtrip/contrib/redisstore v0.0.0
	github.com/redis/go-redis/v9 v9.23.0
)

require (
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/sony/gobreaker/v2 v2.4.0 // indirect
	go.uber.org/atomic v1.12.0 // indirect
	golang.org/x/sync v0.24.0 // indirect
	golang.org/x/sys v0.48.0 // indirect
)

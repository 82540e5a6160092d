package documents

import (
	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/contrib/redisstore"
	"github.com/redis/go-redis/v9"
)

var (
	registrations []authtrip.Registration
	client        redis.UniversalClient
	key           authtrip.Secret
)

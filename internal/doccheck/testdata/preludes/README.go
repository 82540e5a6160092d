package documents

import (
	"context"
	"net/http"
	"os"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/contrib/config"
	"github.com/authtrip/authtrip/contrib/redisstore"
	"github.com/authtrip/authtrip/middleware"
	"github.com/authtrip/authtrip/nhn"
	"github.com/go-resty/resty/v2"
	"github.com/redis/go-redis/v9"
)

var (
	ctx        context.Context
	id, secret string
	creds      nhn.Credentials
	client     *http.Client
	src        *authtrip.Source
	r          *http.Request
	req        *http.Request
)

package documents

import (
	"context"
	"net/http"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/contrib/config"
	"github.com/authtrip/authtrip/nhn"
)

var (
	ctx        context.Context
	id, secret string
	client     *http.Client
	req        *http.Request
	src        *authtrip.Source
)

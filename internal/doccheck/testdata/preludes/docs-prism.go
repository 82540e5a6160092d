package documents

import (
	"context"
	"net/http"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/prism"
)

var (
	ctx              context.Context
	id, secret, code string
	service          prism.Client
	src              *authtrip.Source
	flow             authtrip.Flow
	r                *http.Request
)

package documents

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/nhn"
)

var (
	ctx          context.Context
	registration authtrip.Registration
	client       *http.Client
	mgr          *authtrip.Manager
	store        authtrip.Store
	key          authtrip.Secret
	r            *http.Request
	req          *http.Request
)

func tellOperators(server, from, to string) {}

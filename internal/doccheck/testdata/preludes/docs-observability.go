package documents

import (
	"context"
	"log"
	"log/slog"
	"net/http"

	"github.com/authtrip/authtrip"
)

var (
	reg authtrip.Registration
	src *authtrip.Source
	w   http.ResponseWriter
)

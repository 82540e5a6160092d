package documents

import (
	"context"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/authtest"
	"github.com/authtrip/authtrip/nhn"
	"github.com/authtrip/authtrip/prism"
)

var (
	ctx   context.Context
	cloud *authtest.NHN
)

package documents

import (
	"context"
	"net/http"

	"github.com/authtrip/authtrip"
	authgrpc "github.com/authtrip/authtrip/contrib/grpc"
	"github.com/authtrip/authtrip/contrib/restyv3"
	"github.com/authtrip/authtrip/middleware"
	"github.com/authtrip/authtrip/nhn"
	"github.com/go-resty/resty/v2"
	"github.com/gophercloud/gophercloud/v2"
	"github.com/hashicorp/go-retryablehttp"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	restyv3client "resty.dev/v3"
)

var (
	id, secret, key, endpoint string
	creds                     nhn.Credentials
	registration              authtrip.Registration
	client                    *http.Client
	src                       *authtrip.Source
	rc                        *resty.Client
	provider                  *gophercloud.ProviderClient
	retrying                  *retryablehttp.Client
	sdk                       someSDK
)

// someSDK stands for one that takes an authenticator.
type someSDK struct{}

func (someSDK) NewClient(string, interface {
	Authenticate(*http.Request) error
	GetBearerToken() (string, error)
}) *http.Client {
	return nil
}

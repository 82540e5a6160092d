package documents

import (
	"context"
	"net/http"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/contrib/xoauth2"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

var (
	ctx        context.Context
	id, secret string
	cfg        *clientcredentials.Config
	userCfg    *oauth2.Config
	ts         oauth2.TokenSource
	src        *authtrip.Source
)

func saved(string) (*oauth2.Token, error) { return nil, nil }

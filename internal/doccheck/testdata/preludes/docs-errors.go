package documents

import (
	"errors"
	"log"
	"net/http"

	"github.com/authtrip/authtrip"
)

var client *http.Client

func sendToLogin() error { return nil }

package documents

import (
	"context"
	"os"
	"strings"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/nhn"
)

var (
	creds                nhn.Credentials
	id, rdsKey, stageKey string
)

package documents

import (
	"os"
	"time"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/contrib/config"
)

var registrations []authtrip.Registration

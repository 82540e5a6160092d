package command

import _ "github.com/authtrip/authtrip/contrib/config"

package nhn

import (
	"github.com/authtrip/authtrip"
)

// The headers in which services want an application key besides the token.
const (
	HeaderRDSAppKey             = "X-TC-APP-KEY"
	HeaderNotificationHubAppKey = "X-NC-APP-KEY"
)

// appKeyHeaders are by what a service's hosts are named after.
var appKeyHeaders = map[string]string{
	"rds-mysql":        HeaderRDSAppKey,
	"rds-mariadb":      HeaderRDSAppKey,
	"rds-postgres":     HeaderRDSAppKey,
	"notification-hub": HeaderNotificationHubAppKey,
}

// AppKey gives the application key of a service, which its hosts get beside
// the token in every region: of "rds-mysql", "rds-mariadb", "rds-postgres" or
// "notification-hub". The key of one request can be set on that request. For
// hosts that the preset does not know, see [HostHeader].
func AppKey(service string, key authtrip.Secret) Option {
	return func(s *settings) { s.appKeys[service] = key }
}

// HostHeader adds a header that a host gets beside the token and that does not
// change, such as an application key: host is in the form that
// [authtrip.Registration].Origins takes.
func HostHeader(host, name string, value authtrip.Secret) Option {
	host = asListed(host)
	return func(s *settings) { s.static = append(s.static, staticHeader{host, name, value}) }
}

type staticHeader struct {
	host, name string
	value      authtrip.Secret
}

func (s *settings) hostHeaders() map[string]map[string]authtrip.Secret {
	var static []staticHeader
	for service, key := range s.appKeys {
		hosts := s.hosts
		name := appKeyHeaders[service]
		if name == "" { // then it is no host either, and the check says so
			hosts, name = []string{service}, HeaderRDSAppKey
		}
		for _, host := range hosts {
			if host == service || serviceOf(host) == service {
				static = append(static, staticHeader{host, name, key})
			}
		}
	}
	all := map[string]map[string]authtrip.Secret{}
	for _, h := range append(static, s.static...) {
		if all[h.host] == nil {
			all[h.host] = map[string]authtrip.Secret{}
		}
		all[h.host][h.name] = h.value
	}
	return all
}

package nhn

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

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
// "notification-hub"; the government cloud has the first two, and another than
// the cloud has is a fault that [NewSource] reports. The key of one request can
// be set on that request. For hosts that the preset does not know, see
// [HostHeader], which takes precedence.
func AppKey(service string, key authtrip.Secret) Option {
	return func(s *settings) { s.appKeys[service] = key }
}

// HostHeader adds a header that a host gets beside the token and that does not
// change, such as an application key: host is in the form that
// [authtrip.Registration].Origins takes, and one that takes the token. Of two
// of the same name the later holds.
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
		hosts := s.hostsOf(service)
		if hosts == nil { // a fault; no host, so that authtrip.NewSource finds it too
			hosts = []string{"AppKey (" + service + ")"}
		}
		for _, host := range hosts {
			static = append(static, staticHeader{host, appKeyHeaders[service], key})
		}
	}
	all := map[string]map[string]authtrip.Secret{}
	for _, h := range append(static, s.static...) {
		if all[h.host] == nil {
			all[h.host] = map[string]authtrip.Secret{}
		}
		all[h.host][http.CanonicalHeaderKey(h.name)] = h.value // the later holds
	}
	return all
}

// checkAppKeys says which services have no hosts that want a key.
func (s *settings) checkAppKeys() error {
	var faults []error
	for _, service := range slices.Sorted(maps.Keys(s.appKeys)) {
		if s.hostsOf(service) == nil {
			faults = append(faults, fmt.Errorf("nhn: AppKey is for %s in this cloud, not for %s: of a host give the HostHeader", strings.Join(s.keyedServices(), ", "), plain(service)))
		}
	}
	return errors.Join(faults...)
}

// plain is a service's name fit for an error: what is none may be a secret.
func plain(service string) string {
	if len(service) > 60 || strings.ContainsFunc(service, func(r rune) bool {
		return r != '-' && r != '.' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	}) {
		return "what was given"
	}
	return strconv.Quote(service)
}

// hostsOf are those of a service that wants a key, in the cloud that is
// selected.
func (s *settings) hostsOf(service string) (hosts []string) {
	if appKeyHeaders[service] == "" {
		return nil
	}
	for _, host := range s.hosts {
		if serviceOf(host) == service {
			hosts = append(hosts, host)
		}
	}
	return hosts
}

// keyedServices are those that have hosts.
func (s *settings) keyedServices() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(appKeyHeaders)), func(service string) bool { return s.hostsOf(service) == nil })
}

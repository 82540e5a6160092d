package nhn

import "strings"

// The hosts that take the token, exactly. A wildcard would be wrong: customers
// publish API Gateway stages of their own under api.nhncloudservice.com, and
// would be handed the token.

var (
	regions          = []string{"kr1", "kr2", "kr3", "jp1"}
	regionalServices = []string{"rds-mysql", "rds-mariadb", "rds-postgres", "ncr", "ncs", "apigateway", "easyqueue"}
	globalHosts      = []string{
		"core.api.nhncloudservice.com",
		"notification-hub.api.nhncloudservice.com",
		"ocr.api.nhncloudservice.com",
		"speech.api.nhncloudservice.com",
		"api-tcd.nhncloudservice.com",
		"api-lncs-search.nhncloudservice.com",
	}
	governmentHosts = []string{
		"core.api.gov-nhncloudservice.com",
		"kr1-rds-mysql.api.gov-nhncloudservice.com",
		"kr2-rds-mysql.api.gov-nhncloudservice.com",
		"kr1-rds-mariadb.api.gov-nhncloudservice.com",
		"kr2-rds-mariadb.api.gov-nhncloudservice.com",
		"api-tcd.gov-nhncloudservice.com",
	}
)

// asListed spells a host as the lists above do.
func asListed(host string) string {
	host = strings.TrimSuffix(strings.TrimPrefix(strings.ToLower(host), "https://"), "/")
	if strings.HasPrefix(host, "http://") {
		return host
	}
	return strings.TrimSuffix(host, ":443")
}

// serviceOf is what a host is named after.
func serviceOf(host string) string {
	service, _, _ := strings.Cut(host, ".")
	for _, r := range regions {
		service = strings.TrimPrefix(service, r+"-")
	}
	return service
}

func publicHosts() []string {
	hosts := append([]string(nil), globalHosts...)
	for _, r := range regions {
		for _, s := range regionalServices {
			hosts = append(hosts, r+"-"+s+".api.nhncloudservice.com")
		}
	}
	return hosts
}

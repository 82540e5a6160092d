package config

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/authtrip/authtrip"
	"github.com/authtrip/authtrip/nhn"
	"github.com/authtrip/authtrip/prism"
)

// draft is a registration that is being put together.
type draft struct {
	c        *collection
	group    *group
	provider *group // or nil
	preset   string // or empty
	reg      authtrip.Registration
	// unknown says that the provider could not be found, so that what it would
	// have given is not missed.
	unknown bool

	clientSecretFile string
	moreOrigins      []string
	// written are where the host headers stand, by how the authtrip package's
	// faults name them.
	written map[string]setting
}

var presets = []string{"nhn", "nhn-gov", "prism"}

// registrations puts everything together, or returns all faults.
func (c *collection) registrations() ([]authtrip.Registration, error) {
	var all []authtrip.Registration
	for _, g := range c.order {
		if g.in == registrationMap && !g.broken && c.afford(0) {
			all = append(all, c.build(g))
		}
	}
	if len(all) == 0 && c.faults.none() {
		hint := ""
		if len(c.almost) > 0 {
			hint = "; did you mean " + c.almost[0] + "?"
		}
		c.faults.add(place{file: c.file}, "holds no registration: they stand under registration, authtrip.registration or spring.security.oauth2.client.registration%s", hint)
	}
	if err := c.faults.err(); err != nil {
		return nil, err
	}
	return all, nil
}

// build makes one registration: the preset's values, the provider's over them,
// and the registration's own over those.
func (c *collection) build(g *group) authtrip.Registration {
	d := &draft{c: c, group: g, written: map[string]setting{}}
	d.findProvider()
	d.usePreset()
	d.reg.ID = g.id
	if d.provider != nil {
		d.apply(d.provider, func(s setting) bool {
			_, own := g.settings[s.key]
			return !own || s.key.merged
		})
	}
	d.apply(g, func(setting) bool { return true })
	d.reg.Origins = append(slices.Clone(d.reg.Origins), d.moreOrigins...)
	d.fitGrant()
	d.check()
	if d.clientSecretFile != "" {
		d.reg.Credentials = credentialsFrom(d.reg.ClientID, d.clientSecretFile)
		d.reg.ClientID, d.reg.ClientSecret = "", authtrip.Secret{}
	}
	return d.reg
}

// findProvider finds what the registration's provider names, or as Spring has
// it, its own ID.
func (d *draft) findProvider() {
	name := d.group.id
	s, named := d.setting("provider")
	if named {
		if name = d.c.value(s).text(); name == "" {
			d.unknown = true
			return
		}
	}
	d.provider = d.c.groups[groupName{providerMap, fold(name)}]
	preset, ok := choose(name, presets)
	d.preset = preset
	if ok || d.provider != nil || !named {
		return
	}
	d.unknown = true
	known := d.known()
	hint := ""
	if meant, ok := nearest(name, known); ok {
		hint = "; did you mean " + shown(meant) + "?"
	}
	d.c.value(s).fault("%s is not known; there are: %s%s", shown(name), list(known), hint)
}

// known are the providers that a registration may name.
func (d *draft) known() []string {
	all := slices.Clone(presets)
	for _, id := range d.c.ids(providerMap) {
		if _, ok := choose(id, presets); !ok {
			all = append(all, id)
		}
	}
	slices.Sort(all)
	return all
}

// list writes names into an error, the first of them when there are many.
func list(names []string) string {
	var parts []string
	for _, name := range names {
		if len(parts) == 20 {
			return strings.Join(parts, ", ") + ", and more"
		}
		parts = append(parts, shown(name))
	}
	return strings.Join(parts, ", ")
}

// usePreset begins the draft with the preset's values.
func (d *draft) usePreset() {
	domain, hasDomain := d.setting("service_api_domain")
	id, hasID := d.setting("service_id")
	appKeys := d.appKeys()
	switch d.preset {
	case "nhn":
		d.reg = nhn.Registration(nhn.Credentials{}, appKeys...)
	case "nhn-gov":
		d.reg = nhn.Registration(nhn.Credentials{}, append(appKeys, nhn.Government())...)
	case "prism":
		var client prism.Client
		if hasDomain {
			client.ServiceAPIDomain = d.c.value(domain).text()
		} else {
			d.fault("service_api_domain is missing: provider prism needs it")
		}
		_, hasURI := d.setting("redirect_uri")
		if hasID {
			client.ServiceID = d.c.value(id).text()
		} else if !hasURI {
			d.fault("service_id is missing: provider prism makes the redirect URI from it; write it, or redirect_uri")
		}
		if strings.Contains(client.ServiceAPIDomain, "@") {
			d.c.value(domain).fault("has user information: take that out")
			client.ServiceAPIDomain = ""
		}
		client.ServiceAPIDomain = cmp.Or(client.ServiceAPIDomain, missingURL)
		d.reg = prism.Registration(client)
		return
	}
	for _, s := range []setting{domain, id} {
		if s.key != nil {
			d.c.faults.add(s.at, "%s: %s is for provider prism", s.group, s.key.name)
		}
	}
}

// setting is what the registration says, or else its provider.
func (d *draft) setting(name string) (setting, bool) {
	k := keys[fold(name)]
	if s, ok := d.group.settings[k]; ok {
		return s, true
	}
	if d.provider != nil {
		s, ok := d.provider.settings[k]
		return s, ok
	}
	return setting{}, false
}

func (d *draft) fault(format string, args ...any) {
	d.c.faults.add(d.group.at, "%s: "+format, append([]any{d.group}, args...)...)
}

// apply puts a group's settings into the draft.
func (d *draft) apply(g *group, wanted func(setting) bool) {
	for _, k := range slices.SortedFunc(maps.Keys(g.settings), func(a, b *key) int { return cmp.Compare(a.name, b.name) }) {
		s := g.settings[k]
		if k.set == nil || !wanted(s) {
			continue
		}
		if _, both := g.settings[keys[fold(k.instead)]]; k.instead != "" && both {
			if k.name < k.instead {
				d.c.faults.add(s.at, "%s: %s and %s are both given: take one of them out", g, k.name, k.instead)
			}
			continue
		}
		k.set(d, d.c.value(s))
	}
}

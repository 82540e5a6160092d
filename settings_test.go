package authtrip

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// set gives v a value: texts, numbers and what slices and maps hold are made of
// seed. It panics on a kind that no field has yet.
func set(v reflect.Value, seed string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(seed)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(len(seed)))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		set(v.Index(0), seed)
		set(v.Index(1), seed+"+")
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		set(key, seed)
		set(value, seed)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Func:
		v.Set(reflect.MakeFunc(v.Type(), func([]reflect.Value) []reflect.Value { panic("called") }))
	case reflect.Interface:
		if v.Type() == reflect.TypeFor[any]() { // the codes of an Envelope
			v.Set(reflect.ValueOf(seed))
			return
		}
		v.Set(reflect.ValueOf(http.NewFileTransport(http.Dir(seed))))
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[Secret]() {
			v.Set(reflect.ValueOf(NewSecret(seed)))
			return
		}
		for i := range v.NumField() {
			set(v.Field(i), seed)
		}
	default:
		panic("no value for " + v.Type().String())
	}
}

// spoil changes all that v shares with its copies.
func spoil(v reflect.Value) {
	switch v.Kind() {
	case reflect.Slice:
		for i := range v.Len() {
			spoil(v.Index(i))
			set(v.Index(i), "spoilt")
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			spoil(v.MapIndex(key))
			v.SetMapIndex(key, reflect.Value{})
		}
	case reflect.Struct:
		if v.Type() != reflect.TypeFor[Secret]() {
			for i := range v.NumField() {
				spoil(v.Field(i))
			}
		}
	}
}

// opaque are the kinds of which nobody can see whether two are the same.
func opaque(k reflect.Kind) bool { return k == reflect.Func || k == reflect.Interface }

// eachField calls f with a Registration whose fields are empty but for one.
func eachField(f func(name string, kind reflect.Kind, with func(seed string) Registration)) {
	for i := range reflect.TypeFor[Registration]().NumField() {
		field := reflect.TypeFor[Registration]().Field(i)
		f(field.Name, field.Type.Kind(), func(seed string) (r Registration) {
			set(reflect.ValueOf(&r).Elem().Field(i), seed)
			return r
		})
	}
}

func TestRegistrationsThatDifferInAnyFieldAreNotTheSame(t *testing.T) {
	eachField(func(name string, kind reflect.Kind, with func(string) Registration) {
		var none Registration
		one, again, other := with("a"), with("a"), with("abc")
		if one.same(&none) || none.same(&one) {
			t.Errorf("with and without %s are the same", name)
		}
		if kind != reflect.Bool && one.same(&other) {
			t.Errorf("two with another %s are the same", name)
		}
		if got := one.same(&again); got == opaque(kind) {
			t.Errorf("two with the same %s: %v", name, got)
		}
		if got := one.same(&one); got == opaque(kind) {
			t.Errorf("one and itself, with %s: %v", name, got)
		}
	})
}

// Whether settings are shared may depend on nothing but same: what is checked
// for one may not be left out for another.
func TestClientsShareTheSettingsOfTheSameOnly(t *testing.T) {
	eachField(func(name string, kind reflect.Kind, with func(string) Registration) {
		var first, second, third client
		_ = first.check(with("a"), nil) // faults do not matter here
		_ = second.check(with("a"), []*settings{first.settings})
		_ = third.check(with("abc"), []*settings{first.settings})
		whose := name == "ID" || name == "ClientID" || name == "ClientSecret"
		if got := second.settings == first.settings; got == opaque(kind) {
			t.Errorf("two with the same %s share settings: %v", name, got)
		}
		if got := third.settings == first.settings; kind != reflect.Bool && got != whose {
			t.Errorf("two with another %s share settings: %v", name, got)
		}
		if whose {
			for _, c := range []*client{&first, &second, &third} {
				if c.Registration.ID != "" || c.Registration.ClientID != "" || c.Registration.ClientSecret != (Secret{}) {
					t.Errorf("the settings that clients share hold the %s of one", name)
				}
			}
			if got := reflect.ValueOf(&third).Elem().FieldByName(name); got.IsZero() {
				t.Errorf("a client has lost its %s", name)
			}
		}
	})
}

func TestACopyOfARegistrationSharesNothing(t *testing.T) {
	eachField(func(name string, kind reflect.Kind, with func(string) Registration) {
		if opaque(kind) {
			return
		}
		mine, want := with("a"), with("a")
		kept := mine.copy()
		spoil(reflect.ValueOf(&mine).Elem())
		if !reflect.DeepEqual(kept, want) {
			t.Errorf("a change of %s comes through: %v", name, kept)
		}
	})
}

// What a client goes on with is nobody else's.
func TestAClientKeepsWhatItWasGiven(t *testing.T) {
	eachField(func(name string, kind reflect.Kind, with func(string) Registration) {
		if opaque(kind) || name == "ID" || name == "ClientID" || name == "ClientSecret" {
			return
		}
		mine := with("a")
		var c client
		_ = c.check(mine, nil)
		want := c.settings.Registration.copy()
		spoil(reflect.ValueOf(&mine).Elem())
		if !reflect.DeepEqual(c.settings.Registration, want) {
			t.Errorf("a change of %s comes through", name)
		}
	})
}

// Many tenants at one server are one set of settings and one breaker, and each
// proves itself.
func TestTenantsShareSettingsAndNoCredentials(t *testing.T) {
	var all []Registration
	for i := range 1000 {
		all = append(all, Registration{
			ID: fmt.Sprint("tenant-", i), ClientID: fmt.Sprint("id-", i), ClientSecret: NewSecret(fmt.Sprint("secret-", i)),
			TokenEndpoint: Endpoint{URL: "https://auth.example/token"}, Scopes: []string{"b", "a"}, Origins: []string{"api.example"},
		})
	}
	all[7].Origins = []string{"other.example"}
	all[8].Reject = RejectBearer
	all[9].TokenEndpoint.URL += "/2"
	m, err := NewManager(all)
	if err != nil {
		t.Fatal(err)
	}
	different, breakers := map[*settings]bool{}, map[*breaker]bool{}
	for i := range m.clients {
		c := &m.clients[i]
		different[c.settings], breakers[c.breaker] = true, true
		if got, err := c.credentials(t.Context(), nil); err != nil || got.id != all[i].ClientID || got.secret.Reveal() != all[i].ClientSecret.Reveal() {
			t.Fatalf("%s proves itself as %q", c.ID, got.id)
		}
		if m.client(c.ID, idHash(c.ID)) != c || c.own.client != c || c.manager != m || c.server != "https://auth.example:443" {
			t.Fatalf("%s is not itself", c.ID)
		}
	}
	if len(different) != 4 || len(breakers) != 1 {
		t.Fatalf("%d settings and %d breakers, want 4 and 1", len(different), len(breakers))
	}
}

// A fault in what only the client has is found though its settings are
// another's, which were checked.
func TestAFaultOfATenantIsFoundThoughItsSettingsAreShared(t *testing.T) {
	good := Registration{ID: "good", ClientID: "id", ClientSecret: NewSecret("secret"), TokenEndpoint: Endpoint{URL: "https://auth.example/token"}}
	raw := good
	raw.ID, raw.ClientAuth = "raw", ClientSecretBasicRaw
	none := good
	none.ID, none.ClientAuth, none.ClientSecret = "none", ClientAuthNone, Secret{}
	for want, change := range map[string]func(r *Registration){
		"ClientID is empty":      func(r *Registration) { *r = good; r.ClientID = "" },
		"ClientSecret is empty":  func(r *Registration) { *r = good; r.ClientSecret = Secret{} },
		"ID is empty":            func(r *Registration) { *r = good; r.ID = "" },
		"given twice":            func(r *Registration) { *r = good },
		"holds a colon":          func(r *Registration) { *r = raw; r.ClientID = "a:b" },
		"ClientSecret is set":    func(r *Registration) { *r = none; r.ClientSecret = NewSecret("x") },
		"Credentials is set bes": func(r *Registration) { *r = good; r.Credentials = nil; r.Credentials = anyCredentials },
	} {
		var bad Registration
		change(&bad)
		if bad.ID != "" && want != "given twice" {
			bad.ID = "bad"
		}
		_, err := NewManager([]Registration{good, raw, none, bad})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Count(err.Error(), "authtrip: registration") != 1 {
			t.Errorf("%v; want %q", err, want)
		}
	}
}

func TestAClientWithOtherScopesIsTheSameButForThem(t *testing.T) {
	m, err := NewManager([]Registration{{
		ID: "a", ClientID: "id", ClientSecret: NewSecret("secret"), Scopes: []string{"z", "b"},
		TokenEndpoint: Endpoint{URL: "https://auth.example/token"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	c := &m.clients[0]
	scoped := c.scopedTo([]string{"b"})
	if scoped.ID != "a" || scoped.ClientID != "id" || scoped.ClientSecret.Reveal() != "secret" || scoped.breaker != c.breaker || scoped.known != c.known || scoped.manager != m {
		t.Error("it is another client")
	}
	if !slices.Equal(scoped.asked(), []string{"b"}) || !slices.Equal(c.asked(), []string{"z", "b"}) || c.scoped() != nil {
		t.Error("it has not the scopes alone, or its own client has them too")
	}
	if !scoped.is(c, []string{"b"}) || scoped.is(c, nil) || scoped.is(c, []string{"z"}) || !c.is(c, nil) || c.is(c, []string{"z", "b"}) || c.is(scoped, nil) {
		t.Error("it is taken for another")
	}
}

func anyCredentials(context.Context) (string, Secret, error) { return "id", NewSecret("secret"), nil }

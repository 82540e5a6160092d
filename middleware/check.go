package middleware

import (
	"reflect"

	"github.com/go-resty/resty/v2"
)

// check is Install's hook: it refuses requests that would go without a token.
func check(c *resty.Client, _ *resty.Request) error {
	return stackOf(c.GetClient()).check(c.GetClient())
}

// setCheck registers check with c, unless c has it: from an Install before, its
// own or that of the client it is a clone of. Resty gives no other way to see
// that than to look. A second check would do no harm, but OnBeforeRequest may
// write to a list that clones share, and take the last hook from theirs.
func setCheck(c *resty.Client) {
	own := reflect.ValueOf(check).Pointer()
	hooks := reflect.ValueOf(c).Elem().FieldByName("udBeforeRequest")
	for i := 0; hooks.Kind() == reflect.Slice && i < hooks.Len(); i++ {
		if h := hooks.Index(i); h.Kind() == reflect.Func && h.Pointer() == own {
			return
		}
	}
	c.OnBeforeRequest(check)
}

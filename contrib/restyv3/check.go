package restyv3

import (
	"reflect"

	"resty.dev/v3"
)

// check is Install's request middleware: it refuses requests that would go
// without a token.
func check(c *resty.Client, _ *resty.Request) error { return stateOf(c.Client()).check(c) }

// setCheck registers check with c, unless c has it: from an Install before, its
// own or that of the client it was cloned from. Resty gives no other way to see
// that than to look. A second check would do no harm; but AddRequestMiddleware
// may write to a list that clones share, and take the last one from theirs.
func setCheck(c *resty.Client) {
	own := reflect.ValueOf(check).Pointer()
	list := reflect.ValueOf(c).Elem().FieldByName("beforeRequest")
	for i := 0; list.Kind() == reflect.Slice && i < list.Len(); i++ {
		if m := list.Index(i); m.Kind() == reflect.Func && m.Pointer() == own {
			return
		}
	}
	c.AddRequestMiddleware(check)
}

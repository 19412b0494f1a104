package api

import "reflect"

// Operation is a route as the description of the API has it.
type Operation struct {
	Method, Path string
	In, Out      reflect.Type
}

// Operations returns all routes.
func Operations() []Operation {
	var list []Operation
	for _, r := range (&API{}).routes() {
		list = append(list, Operation{r.method, r.path, r.in, r.out})
	}
	return list
}

// Problem is the type of every answer but 200.
var Problem = reflect.TypeFor[problemBody]()

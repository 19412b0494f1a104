package config
import ("testing";"fmt")
func TestZ(t *testing.T){ f,err:=Load("/tmp/ll.yaml",Options{}); fmt.Printf("%+v\n%v\n",f,err); if e,ok:=err.(*Error);ok{for _,w:=range e.Warnings{fmt.Println("W",w)}} else {for _,w:=range f.Warnings{fmt.Println("W",w)}} }

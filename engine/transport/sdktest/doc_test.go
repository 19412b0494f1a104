// Package sdktest runs the official SDKs, unchanged, on the transport. It is a
// module of its own so that they are not dependencies of the library.
package sdktest

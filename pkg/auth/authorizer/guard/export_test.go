package guard

// From is FromEnvironment with the parts that a test replaces.
var From = from

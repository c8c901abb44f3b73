Programs can hand interactions in, change them and ask for them over HTTP: the `webservice` capture point speaks SOAP with the
field's native or iWD-compatible WSDL, and plain JSON with an OpenAPI page; a request with an `Idempotency-Key` is done once however often it is sent.

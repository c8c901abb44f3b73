Capture points read and write native XML ([XML of capture points](../capture-xml.md)): one operation or many, four encodings, no entities,
everything bounded; other forms through XSLT stylesheets that can touch neither files nor network. `examples/iwd/` has a pair.

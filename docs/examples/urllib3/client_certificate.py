"""A server that wants to know who asks, and whose own certificate a private authority signed."""

import radiopool.http as urllib3

http = urllib3.PoolManager(
    cert_reqs="CERT_REQUIRED",
    ca_certs="authority.pem",
    cert_file="client.pem",
    key_password=None,  # the key in client.pem is not encrypted
)
response = http.request("GET", "https://files.example/whoami")
print(response.json()["client"])

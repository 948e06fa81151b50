"""A server asked by address, for one of the names it serves."""

import radiopool.http as urllib3

pool = urllib3.HTTPSConnectionPool(
    "127.0.0.1",
    server_hostname="files.example",  # what TLS asks for (SNI), and the name the certificate must have
    ca_certs="authority.pem",
)
response = pool.urlopen("GET", "/whoami", headers={"Host": "files.example"}, assert_same_host=False)
print(response.json()["host"])
pool.close()

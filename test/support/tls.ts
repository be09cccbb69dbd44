/** A self-signed certificate for localhost. It protects nothing: clients in tests do not check it. */
export const localhost = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQghRdzE4q/H4Fs7WHG
S2NNH31L9KD8d86IFpcxwKzvA/6hRANCAARnOvQxbGf+5N+u/JTaLdZg9JbgibQz
tfFh6hBHgouViUwc2q94yUFeYtpHkJbAbkh6vdyItPmr1b7jBQfyzVR5
-----END PRIVATE KEY-----
`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBnDCCAUGgAwIBAgIUZRSe+wyQClttW4NWh2ICfbrBrLEwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMzEwNDIzMloYDzIxMjYxMDMw
MTA0MjMyWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAARnOvQxbGf+5N+u/JTaLdZg9JbgibQztfFh6hBHgouViUwc2q94yUFe
YtpHkJbAbkh6vdyItPmr1b7jBQfyzVR5o28wbTAdBgNVHQ4EFgQUFspkqPuZMRDu
qRzikkXU8xvBh00wHwYDVR0jBBgwFoAUFspkqPuZMRDuqRzikkXU8xvBh00wDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSQAwRgIhAMsyjBdp0jQfHixoNwoaJoTDF9Jdpvpoi+/ii9X3XdAnAiEA
l+2I9S4c1v6GAN4bns7jrMiOPhzTqtEm8s8RtHCmad8=
-----END CERTIFICATE-----
`,
};

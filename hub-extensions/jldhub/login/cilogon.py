"""Login with CILogon, through the identity providers that the settings name."""

from typing import Any

from oauthenticator.cilogon import CILogonOAuthenticator

from jldhub.identity import IdentityError
from jldhub.login.claims.login import ClaimsLogin
from jldhub.login.claims.values import find


class CILogonLogin(ClaimsLogin, CILogonOAuthenticator):
    """CILogon with allow and deny lists of groups, and with stable user names and UIDs."""

    def check_claims(self, user_info: dict[str, Any]) -> None:
        entity_id = user_info.get("idp")
        if not isinstance(entity_id, str) or entity_id not in self.idps:
            raise IdentityError(
                f"You came through the identity provider {str(entity_id)[:200]!r}, which is not one of those that are let in "
                f"here: {', '.join(self.idps)}."
            )
        claim = self.claim_of_name(user_info)
        if not isinstance(find(user_info, claim), str):
            raise IdentityError(
                f"Your identity provider does not tell {claim}, from which your user name is made. Tell an administrator, "
                "or ask your identity provider to release it to CILogon."
            )

    def claim_of_name(self, user_info: dict[str, Any]) -> str:
        return str(self.idps[user_info["idp"]]["username_derivation"]["username_claim"])


CILogonLogin.__name__ = CILogonOAuthenticator.__name__  # in what traitlets says of a trait

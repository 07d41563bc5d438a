"""Double entry: coins move from one account to another and are never made."""

from quintet.sandbox.state import OUTSIDE, Account, State


def move(state: State, coin: str, giver: int, taker: int, amount: int) -> None:
    """`amount` quanta leave one trading wallet and arrive in another; a negative amount goes the other way."""
    accounts = state.accounts
    accounts[giver].coins[coin] = accounts[giver].coins.get(coin, 0) - amount
    accounts[taker].coins[coin] = accounts[taker].coins.get(coin, 0) + amount


def move_to_funding(account: Account, coin: str, amount: int) -> None:
    """From the trading to the funding wallet of one account; a negative amount goes the other way."""
    account.coins[coin] = account.coins.get(coin, 0) - amount
    account.funding_coins[coin] = account.funding_coins.get(coin, 0) + amount


def deposit(state: State, uid: int, coin: str, amount: int) -> None:
    """Coins come in from outside; a negative amount leaves."""
    move(state, coin, OUTSIDE, uid, amount)


def totals(state: State) -> dict[str, int]:
    """What all accounts together hold of each coin: 0, always."""
    found: dict[str, int] = {}
    for account in state.accounts.values():
        for wallet in (account.coins, account.funding_coins):
            for coin, amount in wallet.items():
                found[coin] = found.get(coin, 0) + amount
    return found
